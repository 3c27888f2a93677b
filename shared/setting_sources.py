"""Where settings come from beside flags: variables of the process and `.env`, and for each of them a file that holds the value.

`QUANYU_ADMIN_KEY_FILE=/run/secrets/admin_key` is how Docker, Kubernetes and systemd hand over what nobody is to read in a list of
processes or in the description of a container.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from shared.language import say

FILE_SUFFIX = "_FILE"
_LONGEST = 65_536


class WrongSettingFile(ValueError):
    """A file that should hold a setting's value does not. The text names the variable and the file, never what is in it."""


class Environment(EnvSettingsSource):
    """Variables of the process, in which a list has commas between its items (JSON is taken as well)."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value, or what stands in the file that its `…_FILE` names. Raises WrongSettingFile."""
        value, key, is_complex = super().get_field_value(field, field_name)
        variable = f"{self.env_prefix}{field_name}".upper()
        path = self.env_vars.get(f"{variable}{FILE_SUFFIX}".lower())
        if path is None:
            return value, key, is_complex
        if value is not None:
            raise WrongSettingFile(
                say(
                    f"{variable} and {variable}{FILE_SUFFIX} are both set; leave one of them out.",
                    f"{variable} 与 {variable}{FILE_SUFFIX} 都已设置，请只留一个。",
                )
            )
        return _read(f"{variable}{FILE_SUFFIX}", Path(path)), key, is_complex

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """pydantic-settings asks this for every value that is more than one word."""
        return _decoded(partial(super().decode_complex_value, field_name, field), value)


class EnvironmentFile(Environment, DotEnvSettingsSource):
    """The same for `.env`."""


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST + 1).decode().strip()
    except OSError as error:
        raise WrongSettingFile(
            say(
                f"{variable} names {path}, which can't be read: {error.strerror}.",
                f"{variable} 指向 {path}，该文件无法读取：{error.strerror}。",
            )
        ) from None
    except UnicodeDecodeError:
        raise WrongSettingFile(
            say(f"{variable} names {path}, which is no text.", f"{variable} 指向 {path}，该文件不是文本。")
        ) from None
    if not text or len(text) > _LONGEST:
        fault = say("too long", "过长") if text else say("empty", "为空")
        raise WrongSettingFile(
            say(f"{variable} names {path}, which is {fault}.", f"{variable} 指向 {path}，该文件{fault}。")
        )
    return text


def _decoded(json: Callable[[Any], Any], value: Any) -> Any:
    """What JSON makes of the value; where that is no list, and the field does not read texts itself, the items between commas."""
    try:
        decoded = json(value)
    except ValueError:
        if str(value).lstrip().startswith(("[", "{")):
            raise
        decoded = None
    if isinstance(decoded, list | dict | str):
        return decoded
    return [part.strip() for part in str(value).split(",") if part.strip()]
