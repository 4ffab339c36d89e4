"""Puts content, exercises and solutions into the wheel; an editable install reads them from the checkout instead."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for folder in ("content", "exercises", "solutions"):
                build_data["force_include"][folder] = f"prep/_bundled/{folder}"
