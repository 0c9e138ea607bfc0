"""`intone corpora` as a user types it."""

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from intone.cli.corpora import app
from intone.errors import CorpusError, UsageError

NAMES = ["ased", "crema-d", "emodb", "emovo", "nemo", "ravdess", "savee", "tess"]


def run(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env=env or {"INTONE_CORPORA": ""}).invoke(app, [str(word) for word in words])


def flat(told: str) -> str:
    return " ".join(told.split())


def plant(root: Path, *names: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).write_bytes(os.fsencode(name))
    return root


def test_list_names_every_corpus_and_its_licence() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in NAMES)
    assert "CC BY-NC-ND 4.0" in run("list", "--json").stdout
    assert [json.loads(line)["name"] for line in run("list", "--json").stdout.splitlines()] == NAMES


def test_describe_says_what_one_may_do_and_how_to_get_it() -> None:
    told = run("describe", "TESS")
    assert told.exit_code == 0
    for fact in ("CC BY-NC-ND 4.0", "Pichora-Fuller", "intone corpora get tess --from"):
        assert fact in told.stdout
    assert "published checksum md5:9d21362dbc5676ef3ab4745d83ced0db" in flat(run("describe", "emodb").stdout)
    counted = "no checksum is published; after unpacking, 4,481 recordings by 9 speakers are counted"
    assert counted in flat(run("describe", "nemo").stdout)
    assert "Commercial use no" in flat(run("describe", "nemo").stdout)
    assert "Commercial use yes" in flat(run("describe", "crema-d").stdout)
    facts = json.loads(run("describe", "ravdess", "--json").stdout)
    assert facts["sources"][0]["checksum"] == "md5:bc696df654c87fed845eb13823edef8a"
    assert facts["recordings"] == 1440 + 1012
    assert facts["commercial"] is False


@pytest.mark.parametrize("command", ["describe", "get", "check"])
def test_a_misspelt_name_is_answered_with_the_nearest(command: str) -> None:
    error = run(command, "ravdes").exception
    assert isinstance(error, UsageError)
    assert "Did you mean 'ravdess'" in str(error)


def test_get_from_an_archive_counts_what_came(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "AudioData.zip", "w") as archive:
        archive.writestr("AudioData/DC/a01.wav", b"one")
        archive.writestr("AudioData/KL/su15.wav", b"two")
    result = run("get", "savee", "--from", tmp_path / "AudioData.zip", "--to", tmp_path / "home", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["recordings"], report["expected"]) == (2, 480)
    assert report["emotions"] == {"anger": 1, "surprise": 1}
    assert "Please cite: Haq" in result.stderr
    assert (tmp_path / "home" / "savee" / "AudioData" / "DC" / "a01.wav").is_file()


def test_get_of_a_corpus_that_cannot_be_downloaded_says_each_step(tmp_path: Path) -> None:
    error = run("get", "savee", "--to", tmp_path).exception
    assert isinstance(error, CorpusError)
    assert "1. Register at" in str(error)


def test_check_counts_and_names_what_is_amiss(tmp_path: Path) -> None:
    root = plant(tmp_path / "tess", "OAF_back_fear.wav", "YAF_dog_ps.wav", "holiday.wav")
    (root / "YAF_back_fear.wav").write_bytes((root / "OAF_back_fear.wav").read_bytes())
    result = run("check", root)
    assert result.exit_code == 0
    assert "By speaker: OAF 1, YAF 2" in result.stdout
    assert "Lacking of a complete copy: 2,797 recordings." in result.stdout
    assert f"The same sound: {root / 'OAF_back_fear.wav'}, {root / 'YAF_back_fear.wav'}" in result.stdout
    (root / "again").mkdir()
    (root / "again" / "OAF_back_fear.wav").touch()
    assert "only the first counts: 1 file, such as" in run("check", root).stdout
    assert "With other names: 1 sound file, such as" in result.stdout


ANY_BYTES = pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 on this system")


@ANY_BYTES
def test_no_name_of_a_file_commands_the_terminal(tmp_path: Path) -> None:
    """A name may hold what clears the screen, or bytes that are no text."""
    evil = "\x1b[2J\n\udcff"
    root = plant(tmp_path / f"{evil}tess", "OAF_back_fear.wav", f"{evil}.wav", f"OAF_{evil}_bored.wav")
    plant(root / evil, "OAF_back_fear.wav", "OAF_dog_bored.wav")
    (root / "YAF_back_fear.wav").write_bytes((root / "OAF_back_fear.wav").read_bytes())
    told = run("check", root, "--decode").stdout
    assert "OAF_dog_bored.wav" in told
    assert "\x1b" not in told
    assert all(evil not in told for evil in ("\x1b", "\udcff"))
    assert r"\x1b[2J\n\udcff" in told


@ANY_BYTES
def test_json_is_strict_whatever_the_names_are(tmp_path: Path) -> None:
    root = plant(tmp_path / "tess", "OAF_back_fear.wav", "caf\udce9.wav")
    told = run("check", root, "--json").stdout
    assert r"\ud" not in told
    assert Path(json.loads(told)["foreign"][0]).name == r"caf\xe9.wav"


def test_check_by_name_looks_where_the_corpora_are(tmp_path: Path) -> None:
    plant(tmp_path / "tess", "OAF_back_fear.wav")
    for result in (
        run("check", "tess", "--in", tmp_path, "--json"),
        run("check", "tess", "--json", env={"INTONE_CORPORA": str(tmp_path)}),
        run("check", tmp_path, "--json"),
    ):
        assert json.loads(result.stdout)["recordings"] == 1


def test_check_of_a_folder_goes_through_all_its_corpora(tmp_path: Path) -> None:
    plant(tmp_path / "tess", "OAF_back_fear.wav")
    plant(tmp_path / "emodb", "03a01Fa.wav")
    lines = run("check", tmp_path, "--json").stdout.splitlines()
    assert [json.loads(line)["corpus"] for line in lines] == ["emodb", "tess"]


def test_check_ends_with_one_where_a_recording_cannot_be_used(tmp_path: Path) -> None:
    root = plant(tmp_path / "tess", "OAF_back_fear.wav")
    assert run("check", root).exit_code == 0
    result = run("check", root, "--decode")
    assert result.exit_code == 1
    assert "OAF_back_fear.wav: not sound in a format that is known" in result.stdout
    plant(root, "OAF_back_bored.wav")
    result = run("check", root)
    assert result.exit_code == 1
    assert "unknown emotion 'bored'" in result.stdout


@pytest.mark.parametrize("command", ["list", "describe", "get", "check"])
def test_every_command_explains_itself_by_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"intone corpora {command}" in " ".join(result.stdout.split())


def test_pandas_is_not_needed_to_look_around() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from intone.cli.corpora import app\n"
        "try: app(['check', 'emodb', '--in', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "assert 'pandas' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(Path(__file__).parent)], check=True, capture_output=True)
