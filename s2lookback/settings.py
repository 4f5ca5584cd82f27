"""How products are made: one frozen model a stage, with a description and bounds on every field."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s2lookback.bands import BANDS, DEFAULT_BANDS

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
MaskMethod = Literal["lookback", "rules", "spectral", "temporal", "background", "s2cloudless"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestSettings(_Settings):
    """How a product becomes a harmonised scene."""

    bands: tuple[str, ...] = Field(DEFAULT_BANDS, description="Bands to harmonise, on the 20 m grid, in this order.")
    offset: Literal["auto", "present", "absent"] = Field(
        "auto",
        description="Whether digital numbers carry the +1000 of baseline 04.00 and later. "
        "auto: read the metadata, check the pixels, and leave the scene out where they disagree.",
    )

    @field_validator("bands")
    @classmethod
    def _known(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [band for band in bands if band not in BANDS]
        if unknown or not bands or len(set(bands)) < len(bands):
            raise ValueError(
                f"bands must be different names out of {', '.join(BANDS)}; found {', '.join(bands) or 'none'}"
            )
        return bands


class MaskSettings(_Settings):
    """How each pixel of a scene is classified."""

    method: MaskMethod = Field(
        "lookback",
        description="lookback: a LightGBM model of the tile, with rules until there are dates enough to train on. "
        "rules: never train. spectral: one date alone, by a model that comes trained. temporal: the same, against the "
        "composite before. background: against the median of the nearest images. s2cloudless: that package, on L1C.",
    )
    number_of_images: Annotated[int, Field(ge=1, le=60)] = Field(
        20, description="With background: nearest images in time whose median is the background."
    )
    allow_future: bool = Field(
        False, description="With background: later images may be among them; a mask changes when these arrive."
    )
    threshold: Share = Field(0.5, description="Probability from which a pixel is taken for cloud or shadow.")
    label_threshold: Share = Field(
        0.2, description="Producer's cloud probability from which a training pixel is labelled cloud."
    )
    opening: Annotated[int, Field(ge=0, le=200)] = Field(
        30, description="Radius in metres of the disc that a patch of cloud or shadow must hold not to be dropped."
    )
    dilation: Annotated[int, Field(ge=0, le=500)] = Field(
        40, description="Metres by which clouds and their shadows are grown."
    )
    training_scenes: Annotated[int, Field(ge=2, le=200)] = Field(30, description="Newest scenes a model is trained on.")
    min_training_scenes: Annotated[int, Field(ge=2, le=200)] = Field(
        4, description="Scenes needed before a first model is trained."
    )
    training_lag: Annotated[int, Field(ge=0, le=60)] = Field(
        5,
        description="Days before a month's start that its model does not look at, so that scenes arriving late do "
        "not retrain it.",
    )
    sample_size: Annotated[int, Field(ge=100, le=10_000_000)] = Field(
        10_000, description="Training pixels drawn from one scene."
    )
    sample_between: tuple[Share, Share] = Field((0.5, 0.5), description="Split of the sample: masked, clear.")
    sample_within: tuple[Share, Share] = Field(
        (0.8, 0.5), description="Largest share of a scene's masked and clear pixels that is drawn."
    )
    trees: Annotated[int, Field(ge=1, le=2000)] = Field(60, description="Boosting rounds of the model.")
    leaves: Annotated[int, Field(ge=2, le=1024)] = Field(15, description="Leaves a tree.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(20, description="Seed of the sampler and of the model.")


class MrapSettings(_Settings):
    """How scenes are folded into the most recent available pixels."""

    max_age: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        None,
        description="Days after which a pixel is no longer shown; none means no limit, its age is published anyway.",
    )
    visible: bool = Field(
        False,
        description="Demand that the visible bands are clean too: smoke is then waited out, though the infrared "
        "sees through it.",
    )
    min_clear_probability: Share = Field(
        0.0, description="How sure the mask must be of seeing the surface for a pixel to count; 0: its class decides."
    )
    prefer: Literal["newest", "clearest"] = Field(
        "newest",
        description="newest: the newest clear pixel is shown. clearest: a pixel that the mask doubts counts as older "
        "than it is, by its doubt times prefer_days; in the look-back window too.",
    )
    prefer_days: Annotated[int, Field(ge=1, le=365)] = Field(
        20,
        description="With clearest: days that a pixel that is surely clear may be older and still be shown instead of "
        "one that surely is not. The doubt of what a mask calls clear is rarely above a half.",
    )
    groups: Literal["one", "split"] = Field(
        "one",
        description="one: all bands of a pixel come from one scene. split: the visible bands (B01 to B05) come from "
        "the newest scene that saw the surface in these, the infrared ones from the newest that did in the infrared.",
    )

    adjust_lighting: bool = Field(
        False,
        description="Fit the light of every earlier scene to that of the newest, one line a band, and publish the "
        "lines and what they leave beside the pixels, which stay as observed; `s2lookback export --relight` applies "
        "them. Not with split groups.",
    )

    @model_validator(mode="after")
    def _matchable(self) -> Self:
        if self.adjust_lighting and self.groups != "one":
            raise ValueError("adjust_lighting needs groups to be one: a line is judged by visible and infrared bands")
        return self

    @property
    def penalty_days(self) -> int:
        """Days that a pixel counts as older than it is if it is surely hidden."""
        return self.prefer_days if self.prefer == "clearest" else 0


class ReduceSettings(_Settings):
    """How thin cloud is made thinner."""

    sample_share: Share = Field(
        0.005, description="Share of the typical thin-cloud pixels that is sampled for the fit."
    )
    min_samples: Annotated[int, Field(ge=20, le=100_000)] = Field(
        500,
        description="Thin-cloud pixels, and clear ones to judge by, without which a scene is left as it is; also the "
        "least sample of a fit.",
    )
    max_samples: Annotated[int, Field(ge=100, le=1_000_000)] = Field(50_000, description="Most pixels in one fit.")
    repeats: Annotated[int, Field(ge=1, le=25)] = Field(5, description="Fits whose median is taken.")
    percentiles: tuple[Percent, Percent] = Field(
        (30.0, 70.0), description="Thin-cloud pixels whose difference from the composite is between these are typical."
    )
    max_contrast_loss: Share = Field(
        0.3,
        description="Share of the composite's contrast between near and short-wave infrared that a pixel may have "
        "lost; one that lost more may have burnt, and is left as it is.",
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(20, description="Seed of the sampler.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.percentiles[0] >= self.percentiles[1] or self.min_samples > self.max_samples:
            raise ValueError("percentiles must rise, and min_samples must not exceed max_samples")
        return self


class Settings(_Settings):
    """How everything is made."""

    ingest: IngestSettings = Field(IngestSettings(), title="Ingest")
    mask: MaskSettings = Field(MaskSettings(), title="Mask")
    mrap: MrapSettings = Field(MrapSettings(), title="Composite")
    reduce: ReduceSettings = Field(ReduceSettings(), title="Reduce")
