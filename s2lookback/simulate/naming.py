"""What a product in ESA's format and its parts are called.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), issue 14, on the compact format.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from s2lookback.scene import Acquisition


@dataclass(frozen=True, slots=True)
class Names:
    """What a product and its parts are called."""

    about: Acquisition

    @property
    def level(self) -> str:
        """``1C`` or ``2A``."""
        return (self.about.level or "L2A")[1:]

    @property
    def product(self) -> str:
        """Name of the folder, ``….SAFE``; made three hours after it was sensed."""
        platform = f"S{(self.about.platform or '')[-2:].upper()}"
        baseline = (self.about.baseline or "").replace(".", "")
        return (
            f"{platform}_MSIL{self.level}_{stamp(self.about.sensed)}_N{baseline}_R{self.about.relative_orbit or 0:03}"
            f"_T{self.about.tile}_{stamp(self.generated)}.SAFE"
        )

    @property
    def granule(self) -> str:
        """Folder of the granule."""
        return f"L{self.level}_T{self.about.tile}_{self.orbit}_{stamp(self.about.sensed)}"

    @property
    def datastrip(self) -> str:
        """Folder of the datastrip."""
        return f"DS_SIML_{stamp(self.generated)}_S{stamp(self.about.sensed)}"

    @property
    def orbit(self) -> str:
        """Absolute orbit, made up of the relative one."""
        return f"A040{self.about.relative_orbit or 0:03}"

    @property
    def image(self) -> str:
        """What the name of every image begins with."""
        return f"T{self.about.tile}_{stamp(self.about.sensed)}"

    @property
    def generated(self) -> datetime:
        """When it was made."""
        return self.about.sensed + timedelta(hours=3)

    def identifier(self, kind: str) -> str:
        """Name a part in full: ``TL`` the granule, ``DS`` the datastrip."""
        part = f"{self.orbit}_T{self.about.tile}" if kind == "TL" else f"S{stamp(self.about.sensed)}"
        return (
            f"{self.product[:3]}_OPER_MSI_L{self.level}_{kind}_SIML_{stamp(self.generated)}_{part}"
            f"_N{self.about.baseline}"
        )


def stamp(moment: datetime) -> str:
    """Write a time as in names."""
    return f"{moment:%Y%m%dT%H%M%S}"
