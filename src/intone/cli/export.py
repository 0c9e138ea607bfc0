"""``intone export``: a trained model as a file for other places."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from intone.cli.console import needs_learning, tell
from intone.errors import UsageError
from intone.paths import is_folder, is_there

HELP = """Write a model as a file for other places, proved to answer as the model does.

onnx is the model file as it is, and runs wherever ONNX does; onnx-int8 keeps the weights of a network's dense and
convolutional layers in eight bits, a quarter of their size, takes a transformer's products in eight bits too, which is
faster, and needs ONNX Runtime. Both hold the model's card.

[bold]Examples[/bold]

  intone export --model runs/ravdess-encoder --to onnx-int8

  intone export --model runs/tess-lstm --to onnx --out lstm.intone.onnx
"""


class Kind(StrEnum):
    """What a model can be exported to."""

    ONNX = "onnx"
    INT8 = "onnx-int8"


def export(
    model: Annotated[str, typer.Option(help="A model's name, a model file, or a run folder.")],
    to: Annotated[Kind, typer.Option(help="What to write.")] = Kind.INT8,
    out: Annotated[
        Path | None, typer.Option(help="The file; NAME.intone.onnx or NAME-int8.intone.onnx here where left out.")
    ] = None,
) -> None:
    """See HELP, which stands in the command's --help."""
    import shutil
    import tempfile

    from intone.hear import loading, modelfile

    source = modelfile.find(model)
    if source.suffix == ".keras":
        raise UsageError(f"{source}: name the run folder, {source.parent}; its model file is what is exported.")
    name = source.name.removesuffix(modelfile.SUFFIX)
    target = out or Path(f"{name}{'-int8' if to is Kind.INT8 else ''}{modelfile.SUFFIX}")
    if is_there(target):
        raise UsageError(f"{target}: the file is there already; name another with --out, or remove it.")
    if not is_folder(target.parent):
        raise UsageError(f"{target}: there is no folder {target.parent}.")
    if to is Kind.ONNX:
        loading.load(source)  # refuses what does not run
    else:
        needs_learning("intone export --to onnx-int8")
    try:
        if to is Kind.ONNX:
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                draft = Path(folder) / "model.onnx"
                shutil.copyfile(source, draft)
                draft.replace(target)
            said = "the model file as it is"
        else:
            from intone.learn import quantise

            apart = quantise.write(source, target)
            said = f"no probability of sixteen made sounds is off by more than {max(apart, 0.001):.3f}"
    except OSError as error:
        raise UsageError(f"{target}: the file cannot be written ({error.strerror}).") from error
    tell(f"Wrote {target}, {target.stat().st_size / 1e6:.1f} MB: {said}.")


export.__doc__ = HELP
