"""Serve one release of the shop: `python -m darklaunch_console.demo.shop --version v1 --database DIR`."""

import logging
import socket
from pathlib import Path

import click
import uvicorn
from darklaunch import CaptureMiddleware

from .app import RELEASES, make_app

BACKLOG = 512


@click.command()
@click.option("--version", type=click.Choice(sorted(RELEASES)), required=True, help="The release to serve.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option(
    "--database", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where the databases are."
)
@click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Log there, not on the terminal.")
def main(version: str, port: int, database: Path, log_file: Path | None) -> None:
    """Serve one release of the demo's shop on 127.0.0.1 until SIGINT or SIGTERM.

    Prints one line with its address when connections are accepted. The capture hook is installed in every release:
    in the one that serves users it captures, in the shadow it reports how long a replay took.
    """
    logging.basicConfig(
        filename=log_file, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        app = make_app(version, database)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
    config = uvicorn.Config(
        CaptureMiddleware(app),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(f"127.0.0.1:{port} cannot be listened on: {error.strerror}") from error
        listener.listen(BACKLOG)
        click.echo(f"shop {version} listens on http://127.0.0.1:{listener.getsockname()[1]}")
        uvicorn.Server(config).run([listener])
