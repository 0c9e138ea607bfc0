"""What a service refuses before it has read it reaches the client as the sentence that it is."""

from pathlib import Path

import pytest

from intone.client import Client, ServiceError
from tests.served import served

pytestmark = pytest.mark.xdist_group("serve")


def test_a_body_that_is_too_large_is_answered_and_not_cut_off(tmp_path: Path) -> None:
    (tmp_path / "large.wav").write_bytes(bytes(30 * 2**20))
    with (
        served("--max-upload", "20", "--no-store", folder=tmp_path) as (url, _),
        pytest.raises(ServiceError, match="larger than the") as refused,
    ):
        Client(url).predict(tmp_path / "large.wav")
    assert refused.value.status == 413
