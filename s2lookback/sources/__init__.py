"""Where scenes come from: ENVI folders, SAFE products, the simulator; one protocol for all."""
