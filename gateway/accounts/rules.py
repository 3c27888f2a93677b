"""What a login, a password, a one-time link and a recovery code look like. Pure: no clock, no store.

Passwords follow NIST SP 800-63B: length counts, no composition is asked for, what everybody thinks of first is refused.
"""

import base64
import hashlib
import unicodedata

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
_DIFFERENT = 5
_SHORTEST_LOGIN, LONGEST_LOGIN = 2, 120
RECOVERY_CODES = 10
_CODE_BYTES = 10
_LINK = "qyl_"

_LISTED = """
    abc abcd abcdef admin administrator asdf asdfgh baseball batman changeme default dragon football guest hello iloveyou
    letmein login master monkey newpassword password passw0rd p@ssw0rd p@ssword pass princess qazwsx qwer qwert qwerty
    qwertyuiop root secret shadow summer sunshine superman superuser system temp temppassword test testtest trustno user
    welcome winter woaini wozuishuai woshishei zxcvbn zxcvbnm quanyu mima zhanghao guanliyuan wodemima 1qaz2wsx 1q2w3e4r
    1qaz2wsx3edc 1q2w3e4r5t q1w2e3r4 5201314 1314520 密码 管理员 我的密码 全域
"""
_FIRST_THOUGHTS = frozenset(_LISTED.split())
"""What lists of leaked passwords begin with, in English and in pinyin; digits and signs around them make them no better."""
_RUNS = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)


def plain_login(text: str) -> str:
    """The one spelling of a login: as typed with any keyboard, in any case, full width or half."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def fault_of_login(text: str) -> str | None:
    """Why it can't be a login, as the end of a sentence; None when it can."""
    login = plain_login(text)
    if not _SHORTEST_LOGIN <= len(login) <= LONGEST_LOGIN:
        return f"needs {_SHORTEST_LOGIN} to {LONGEST_LOGIN} characters"
    if not login.isprintable() or any(character.isspace() for character in login):
        return "takes no blanks: an e-mail address or a short name is good"
    return None


def plain_password(text: str) -> str:
    """What is hashed: the same whichever way a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", text)


def fault_of_password(text: str, *names: str) -> str | None:
    """Why it can't be a password, as the end of a sentence; None when it can. `names`: the holder's login and name."""
    password = plain_password(text)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; a sentence is good"
    folded = password.casefold()
    if len(set(folded)) < _DIFFERENT:
        return f"needs {_DIFFERENT} different characters or more"
    if any(len(name) >= 3 and _rest(folded, name.casefold()) for name in names for name in (name, name.split("@")[0])):
        return "is little more than the login or the name"
    thoughts = {folded, _once(folded), _core(folded), _once(_core(folded)), _core(_once(folded))}
    if thoughts & _FIRST_THOUGHTS or any(_is_run(folded, run) for run in _RUNS):
        return "is one of those that are tried first"
    return None


def _rest(password: str, name: str) -> bool:
    """True when the password has hardly anything beside the name."""
    return name in password and len(password.replace(name, "")) < SHORTEST_PASSWORD // 2


def _core(password: str) -> str:
    """Without digits and signs at its ends."""
    return password.strip("0123456789!@#$%^&*()-_=+.,;:?~ ")


def _once(password: str) -> str:
    """Without repetition."""
    for size in range(1, len(password) // 2 + 1):
        if len(password) % size == 0 and password == password[:size] * (len(password) // size):
            return password[:size]
    return password


def _is_run(password: str, run: str) -> bool:
    """Along the keyboard or the alphabet, forwards or backwards, perhaps with the first few again."""
    several = run * 4
    return password in several or password in several[::-1]


def digest(text: str) -> str:
    """What is stored of codes and links. They are random enough that no slow hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def recovery_code(entropy: bytes) -> str:
    """`abcd-efgh-ijkl-mnop`, made of ten random bytes."""
    if len(entropy) != _CODE_BYTES:
        raise ValueError("a recovery code is made of ten random bytes")
    text = base64.b32encode(entropy).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def plain_recovery_code(typed: str) -> str:
    """A recovery code as it was shown, however it was typed."""
    text = "".join(unicodedata.normalize("NFKC", typed).lower().replace("-", " ").split())
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def link_token(entropy: bytes) -> str:
    """What a one-time link holds, made of 32 random bytes."""
    if len(entropy) != 32:
        raise ValueError("a link is made of 32 random bytes")
    return _LINK + base64.urlsafe_b64encode(entropy).decode().rstrip("=")
