"""What a run that Dagster has started says on the terminal of the UI."""

from __future__ import annotations

import logging

import dagster as dg

from dagster_project.logs import VisibleFormatter

FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"


@dg.logger({"log_level": dg.Field(str, default_value="INFO")})
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """Dagster's own console logger, but that nothing in a message commands the terminal."""
    logger = logging.Logger("dagster", level=context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleFormatter(FORMAT))
    logger.addHandler(handler)
    return logger
