"""What goes wrong, as problem documents (RFC 9457), each with a code that a program may tell it by."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from intone.errors import IntoneError, MissingExtraError, UsageError, counted
from intone.paths import encodable

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request does not fit",
    401: "A key is needed",
    403: "Not from there",
    404: "There is no such thing",
    405: "That cannot be done here",
    408: "It took too long",
    413: "Too large",
    415: "Not sound that can be heard",
    422: "Sound that cannot be answered",
    429: "Too many requests",
    500: "The service failed",
    501: "Not installed here",
    503: "Too busy",
}
_STATUS = {"not-audio": 415, "too-long": 413, "not-found": 422}


class Problem(Exception):  # noqa: N818 - the standard's word
    """Something that a client is told of.

    Parameters
    ----------
    status : int
        Of HTTP.
    code : str
        A stable word for programs.
    detail : str
        A sentence.
    retry_after : int, optional
        Seconds after which another attempt may help.
    """

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.retry_after = status, code, retry_after
        self.detail = str(encodable(detail))  # it may repeat what a client sent

    @classmethod
    def of(cls, error: IntoneError) -> "Problem":
        """Word what Intone refuses."""
        if isinstance(error, UsageError):
            status = 400
        elif isinstance(error, MissingExtraError):
            status = 501
        else:
            status = _STATUS.get(error.code, 422)
        return cls(status, error.code, str(error))

    def to_dict(self) -> dict[str, object]:
        """Give the document."""
        return {
            "type": f"urn:intone:problem:{self.code}",
            "title": TITLES[self.status],
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }

    def response(self) -> JSONResponse:
        """Give the answer to a request."""
        headers: Mapping[str, str] = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse(self.to_dict(), self.status, headers, MEDIA_TYPE)


def busy(what: str) -> Problem:
    """Say that there is no room at the moment."""
    return Problem(503, "busy", f"{what}; try again in a moment.", retry_after=1)


def too_large(most: int) -> Problem:
    """Say that a body is larger than it may be."""
    return Problem(413, "too-large", f"The request is larger than the {counted(most, 'byte')} that are accepted.")
