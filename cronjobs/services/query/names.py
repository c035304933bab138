"""One thing or many: the forms that an English name in a schema may take. No table is known here."""

_IRREGULAR = {"person": "people", "child": "children", "man": "men", "woman": "women", "datum": "data"}
_REGULAR_ENDINGS = ("s", "x", "z", "ch", "sh")
_NEVER_PLURAL = ("ss", "us", "is")


def plurals(name: str) -> tuple[str, ...]:
    """Return what `name` may be called where there are many, the likeliest first; only its end changes."""
    for one, many in _IRREGULAR.items():
        if _ends_in_word(name, one):
            return (name[: -len(one)] + many,)
    if name[-1:] == "y" and name[-2:-1] not in tuple("aeiou"):
        return (name[:-1] + "ies", name + "s")
    if name.endswith(_REGULAR_ENDINGS):
        return (name + "es",)
    return (name + "s",)


def singulars(name: str) -> tuple[str, ...]:
    """Return what one of `name` may be called, the likeliest first; empty where it is no plural."""
    for one, many in _IRREGULAR.items():
        if _ends_in_word(name, many):
            return (name[: -len(many)] + one,)
    if not name.endswith("s") or name.endswith(_NEVER_PLURAL) or len(name) < 2:
        return ()
    if name.endswith("ies"):
        return (name[:-3] + "y", name[:-1])
    if name.endswith("es") and name[:-2].endswith((*_REGULAR_ENDINGS, "ss", "us")):
        return (name[:-2], name[:-1])
    return (name[:-1],)


def _ends_in_word(name: str, word: str) -> bool:
    return name == word or name.endswith("_" + word)
