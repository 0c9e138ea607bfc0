"""The OpenAPI document is kept, whatever is asked, and mutated uploads end nothing."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from intone.serve.app import create_app
from intone.serve.settings import Settings

pytestmark = pytest.mark.xdist_group("serve")
MUTATIONS = 2_000
FOLDER = tempfile.TemporaryDirectory()
"""Of the store: the service is made when the tests are gathered, before there are fixtures; goes with the process."""


def service() -> FastAPI:
    store = f"sqlite:///{FOLDER.name}/store.db"
    return create_app(Settings(threads=1, requests_a_minute=10**9, max_seconds=20.0, max_upload_mb=4, store=store))


APP = service()
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]


@SCHEMA.parametrize()
@settings(
    max_examples=25, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate], deadline=None
)
def test_every_answer_is_as_the_document_says(case: Any) -> None:
    response = case.call()
    case.validate_response(response, checks=CHECKS)
    assert response.status_code != 503


def test_two_thousand_mutated_uploads_end_nothing(examples: Path) -> None:
    random = np.random.default_rng(0)
    originals = [(examples / f"{name}.flac").read_bytes()[:20_000] for name in ("plain", "kennedy")]
    with TestClient(service(), raise_server_exceptions=False) as client:
        client.get("/healthz")
        files = len(list(Path("/proc/self/fd").iterdir()))
        for number in range(MUTATIONS):
            content = np.frombuffer(originals[number % 2], np.uint8).copy()
            for _ in range(int(random.integers(1, 12))):
                content[int(random.integers(len(content)))] = random.integers(256)
            cut = content[: int(random.integers(1, len(content)))] if number % 3 else content
            answer = client.post("/v1/predict", content=cut.tobytes())
            assert answer.status_code in (200, 413, 415, 422), answer.text
        whole = client.post("/v1/predict", content=(examples / "plain.flac").read_bytes())
        assert whole.status_code == 200
        assert len(list(Path("/proc/self/fd").iterdir())) <= files
