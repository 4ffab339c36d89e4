"""`prep doctor`: what prep runs on, and whether the database is sound."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from prep.errors import PrepError

# What a fault report needs; torch and triton are looked up, never imported (2 s).
PACKAGES = ("textual", "fsrs", "fsrs-rs-python", "markdown-it-py", "torch", "triton", "numpy", "ray")
COUNTED = ("reviews", "card_state", "attempts", "interviews", "interview_questions")


@click.command("doctor")
@click.option("--rebuild", is_flag=True, help="Make the card states again from the review log, and say what changed.")
@click.option("--backup", is_flag=True, help="Copy the database now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def doctor_command(rebuild: bool, backup: bool, as_json: bool) -> None:
    """Environment, database, backup and rebuild.

    Exit status: 0 all is well, 1 the database is not.
    """
    report: dict[str, Any] = {}
    if backup:
        report["backup"] = str(_back_up())
    if rebuild:
        report["rebuild"] = _rebuild()
    if not (backup or rebuild):
        report = {"environment": environment(), "paths": _paths(), "database": database()}
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        for line in _lines(report):
            click.echo(line)
    sys.exit(0 if report.get("database", {}).get("ok", True) else 1)


def _back_up() -> Path:
    from prep import paths
    from prep.errors import StoreError
    from prep.store.backup import back_up

    path = paths.database_path()
    if not path.is_file():
        raise StoreError("there is no database to copy yet", where=path, hint="the first review or log entry makes it")
    return back_up(path.absolute())


def _rebuild() -> dict[str, Any]:
    from prep.review.fold import rebuild
    from prep.store.database import Database

    with Database.open() as db:
        report = rebuild(db)
    return {"cards": report.cards, "changed_rows": report.changed_rows, "changed": list(report.changed)}


def environment() -> dict[str, Any]:
    """Versions and devices, without importing anything heavy."""
    from prep import __version__
    from prep.grading.process.isolation import LEVELS, probe

    return {
        "prep": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version_of(name) for name in PACKAGES},
        "isolation": probe.best(),
        "isolation_lacks": {level: lacks for level in LEVELS if (lacks := probe.lacking(level)) is not None},
        "gpu": gpus(),
    }


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def gpus() -> list[str]:
    """The GPUs that the driver's own tool lists; empty without one."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in result.stdout.splitlines() if line.strip()]


def _paths() -> dict[str, str]:
    from prep import paths

    return {
        "settings": str(paths.config_dir() / "config.toml"),
        "data": str(paths.data_dir()),
        "workspace": str(paths.workspace_dir()),
        "content": str(paths.bundled_root()),
    }


def database() -> dict[str, Any]:
    """The database's state; a fault is told here rather than raised, so that the rest of the report still comes."""
    from prep import paths
    from prep.store.backup import backups
    from prep.store.database import Database

    path = paths.database_path()
    report: dict[str, Any] = {"path": str(path), "exists": path.exists(), "ok": True}
    copies = backups(path)
    report["backups"] = {"folder": str(path.parent / "backups"), "count": len(copies)}
    if copies:
        report["backups"]["newest"] = str(copies[0].path)
        report["backups"]["made"] = copies[0].made.isoformat()
    if not report["exists"]:
        return report
    try:
        with Database.open(readonly=True) as db:
            faults = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
            faults += [
                f"{row[0]}: row {row[1]} refers to a missing row of {row[2]}"
                for row in db.execute("PRAGMA foreign_key_check")
            ]
            report["schema"] = db.version()
            report["bytes"] = path.stat().st_size
            report["counts"] = {
                table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in COUNTED
            }
    except PrepError as e:
        report.update(ok=False, fault=str(e), hint=e.hint)
        return report
    if faults:
        report.update(ok=False, fault="; ".join(faults[:5]), hint=_restore_hint(path))
    return report


def _restore_hint(path: Path) -> str:
    return f"copy the newest sound file of {path.parent / 'backups'} over it while no prep runs"


def _lines(report: dict[str, Any]) -> list[str]:
    lines: list[str] = []

    def row(label: str, value: object) -> None:
        lines.append(f"{label:<14} {value}")

    if "backup" in report:
        row("backup", report["backup"])
    if "rebuild" in report:
        done = report["rebuild"]
        changed = done["changed_rows"]
        row(
            "rebuild",
            f"{done['cards']} cards folded from the log, {changed} {'row' if changed == 1 else 'rows'} changed",
        )
        for card_id in done["changed"][:20]:
            row("", card_id)
        if changed > 20:
            row("", f"and {changed - 20} more")
    if "environment" in report:
        env = report["environment"]
        row("prep", env["prep"])
        row("python", f"{env['python']} on {env['platform']}")
        for name, version in env["packages"].items():
            row(name, version or "not installed")
        row("isolation", env["isolation"])
        for level, lacks in env["isolation_lacks"].items():
            row("", f"not {level}: {lacks}")
        for gpu in env["gpu"] or ["none found: kernels run in Triton's interpreter on the CPU"]:
            row("gpu", gpu)
        for name, path in report["paths"].items():
            row(name, path)
        lines += _database_lines(report["database"])
    return lines


def _database_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{'database':<14} {found['path']}" + ("" if found["exists"] else " (not made yet)")]
    if "counts" in found:
        mib = found["bytes"] / 1024**2
        lines.append(f"{'':<14} schema {found['schema']}, {mib:.1f} MiB, integrity {'ok' if found['ok'] else 'BROKEN'}")
        lines.append(f"{'':<14} " + ", ".join(f"{n} {table.replace('_', ' ')}" for table, n in found["counts"].items()))
    if not found["ok"]:
        lines.append(f"{'':<14} {found['fault']}")
        lines.append(f"{'':<14} {found['hint']}")
    copies = found["backups"]
    newest = f", the newest of {copies['made']}" if copies["count"] else ""
    lines.append(f"{'backups':<14} {copies['count']} in {copies['folder']}{newest}")
    return lines
