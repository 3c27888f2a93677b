"""Attack 61: values that readers of JSON let pass, and that no database keeps. None is a fault of ours."""

from kit.gateway import Suite

JSON = {"content-type": "application/json"}
BODY = b'{%s"rule": {"all": [{"trait": "%s", "op": "eq", "value": %s}]}}'
NUL = b'"\\u0000"'
ODD = [
    *((b"city", value) for value in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" * 4400, b'"\\ud800"', NUL)),
    (b"\\udfff", b'"x"'),
]
REFUSALS = ((400, "malformed_body"), (422, "invalid_rule"), (422, "unstorable_value"), (422, "validation_failed"))


async def test_attack_61_a_rule_of_odd_values_is_refused(door: Suite) -> None:
    client = door.client()
    for path, name in (("/v1/segments", b'"name": "x", '), ("/v1/segments/preview", b"")):
        for trait, value in ODD:
            answer = await client.post(path, content=BODY % (name, trait, value), headers=JSON)
            if answer.status_code < 300:
                assert value == NUL, "only PostgreSQL refuses it"
            else:
                assert (answer.status_code, answer.json()["code"]) in REFUSALS, (path, trait, value, answer.text)
