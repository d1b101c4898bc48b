"""What every request body is: strict, with no field that is not known."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What a request says; fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
