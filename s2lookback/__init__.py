"""What is computed: Sentinel-2 scenes to masks, composites and cloud-reduced images, in numpy and without Prefect."""
