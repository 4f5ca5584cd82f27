"""Tells a client what a filter can ask for."""

from typing import Any

import attr
from stac_fastapi.extensions.filter.client import BaseFiltersClient
from stac_fastapi.types.errors import NotFoundError
from stac_fastapi.types.requests import get_base_url

from catalog.index.queryables import QUERYABLES
from catalog.items.collections import NAMES


@attr.s
class Queryables(BaseFiltersClient):
    """Tells what a filter can ask for; any other property of an item can be asked for too."""

    def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Describe the properties, which are the same in every collection."""
        if collection_id is not None and collection_id not in NAMES:
            raise NotFoundError(f"{collection_id[:80]}: there is no such collection")
        place = f"collections/{collection_id}/queryables" if collection_id else "queryables"
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"{get_base_url(kwargs['request'])}{place}",
            "type": "object",
            "title": "What can be asked for",
            "properties": QUERYABLES,
            "additionalProperties": True,
        }
