"""The ASGI application of a service, with an OpenAPI document that validators of its version know."""

from typing import Any

from fastapi import FastAPI


class Api(FastAPI):
    """FastAPI without `itemSchema`: that is OpenAPI 3.2, and the document says that it is 3.1."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        document = super().openapi()
        operations = [operation for path in document["paths"].values() for operation in path.values() if isinstance(operation, dict)]
        for answer in (answer for operation in operations for answer in operation.get("responses", {}).values()):
            for content in answer.get("content", {}).values():
                content.pop("itemSchema", None)
        return document
