"""What a template may be. Pure; `liquid_rules.py` holds it to that."""

LONGEST_SOURCE = 20_000
LONGEST_OUTPUT = 20_000
LONGEST_SUBJECT = 500


class TemplateInvalid(ValueError):
    """The source is no Liquid that we accept; says where and why."""
