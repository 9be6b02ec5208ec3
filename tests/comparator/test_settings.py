"""Settings: what the environment says, and what makes no sense."""

import pydantic
import pytest
from darklaunch_comparator.settings import ComparatorSettings, read_settings


def test_the_product_own_variables_come_first() -> None:
    environ = {
        "REDIS_URL": "redis://shared/1",
        "DARKLAUNCH_REDIS_URL": "redis://own/2",
        "DATABASE_URL": "postgresql://db/x",
        "DARKLAUNCH_RETENTION_DAYS": "3",
        "DARKLAUNCH_COMPARATOR_BATCH": "",
    }
    assert read_settings(environ) == ComparatorSettings(
        redis_url="redis://own/2", database_url="postgresql://db/x", retention_days=3
    )
    assert read_settings({}) == ComparatorSettings()


@pytest.mark.parametrize("variable", ["DARKLAUNCH_RETENTION_DAYS", "DARKLAUNCH_COMPARATOR_WRITERS"])
def test_nonsense_is_refused(variable: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        read_settings({variable: "-1"})
