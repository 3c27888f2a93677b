"""A client generated from the document by somebody else's generator: nothing is left out, and it works."""

import asyncio
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

pytestmark = pytest.mark.slow
NAME = "quanyu_client"
SETTINGS = Path(__file__).parents[2] / "docs" / "python-client.yaml"


@pytest.mark.parametrize("kind", ["embedded"])
async def test_a_generated_client_has_every_operation_and_model_and_works(
    start_suite: StartSuite, kind: str, tmp_path: Path
) -> None:
    async with start_suite(kind) as suite:
        async with httpx.AsyncClient() as anybody:
            document = (await anybody.get(f"{suite.url}/openapi.json")).json()
        warnings = await asyncio.to_thread(_generate, document, tmp_path)
        assert warnings == []
        with _importable(tmp_path):
            package = importlib.import_module(NAME)
            modules = [one.name for one in pkgutil.walk_packages(package.__path__, f"{NAME}.")]
            for module in modules:
                importlib.import_module(module)
            _everything_is_there(document, modules)
            await _use(package, suite)
            await _sell(package, suite)


def _generate(document: dict[str, Any], folder: Path) -> list[str]:
    source = folder / "openapi.json"
    source.write_text(json.dumps(document))
    given = ConfigFile.load_from_path(SETTINGS)
    given.post_hooks = []  # they only make it pretty
    config = Config.from_sources(
        given, MetaType.NONE, document_source=source, file_encoding="utf-8", overwrite=False, output_path=folder / NAME
    )
    return [f"{one.header} {one.detail}" for one in generate(config=config)]


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
            del sys.modules[name]


def _everything_is_there(document: dict[str, Any], modules: list[str]) -> None:
    operations = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    made = {
        module.rsplit(".", 1)[1] for module in modules if module.startswith(f"{NAME}.api.") and module.count(".") == 3
    }
    assert len(made) == len(operations) > 200
    models = importlib.import_module(f"{NAME}.models")
    objects = {name for name, one in document["components"]["schemas"].items() if one.get("type") == "object"}
    assert len(objects) > 300
    assert objects - set(models.__all__) == set()


async def _use(package: Any, suite: RunningSuite) -> None:
    api, models = f"{NAME}.api", importlib.import_module(f"{NAME}.models")
    create_key = importlib.import_module(f"{api}.keys.create_key")
    templates = importlib.import_module(f"{api}.coupon_templates.list_templates")
    wanted = models.GatewayKeyIn(name="reports", kind=models.GatewayKeyInKind("restricted"), scopes=["coupon:*:read"])
    async with package.AuthenticatedClient(suite.url, token=suite.key) as administrator:
        made = await create_key.asyncio_detailed(client=administrator, body=wanted, x_request_id="from-the-client")
        assert (made.status_code, made.headers["X-Request-Id"]) == (201, "from-the-client")
    assert isinstance(made.parsed, models.GatewayNewKeyView)
    async with package.AuthenticatedClient(suite.url, token=made.parsed.key) as client:
        page = await templates.asyncio(client=client, limit=5)
        assert isinstance(page, models.CouponTemplateViewPage)
        assert (page.data, page.has_more) == ([], False)
        refused = await create_key.asyncio(client=client, body=wanted)
        assert isinstance(refused, models.Problem)
        assert (refused.status, refused.code, refused["scope"]) == (403, "scope_missing", "gateway:keys:write")


async def _sell(package: Any, suite: RunningSuite) -> None:
    """An offer, its claim, the price of a cart, and the order: in the words of the generated client."""
    models = importlib.import_module(f"{NAME}.models")
    line = {"line_id": "1", "product_id": "boots", "quantity": 1, "unit_price": 68900}
    async with package.AuthenticatedClient(suite.url, token=suite.key) as client:
        terms = {
            "name": "满300减50",
            "benefit": {"kind": "amount_off", "amount": 5000},
            "threshold": {"amount": 30000},
            "validity": {"days_after_claim": 7},
        }
        offer = await _call("coupon_templates.create_template")(
            client=client, body=models.CouponTemplateIn.from_dict(terms)
        )
        assert isinstance(offer, models.CouponTemplateView)
        claim = models.CouponClaimIn(customer_id="lin")
        coupon = await _call("coupons.claim_coupon")(offer.id, client=client, body=claim, idempotency_key="claim-1")
        assert isinstance(coupon, models.CouponView)
        cart = {"customer_id": "lin", "coupons": "best", "lines": [line]}
        quote = await _call("prices.quote_cart")(client=client, body=models.CouponQuoteIn.from_dict(cart))
        assert isinstance(quote, models.CouponQuoteView)
        assert [(one.coupon_id, one.amount) for one in quote.applied] == [(coupon.id, 5000)]
        order = models.CouponCheckoutIn.from_dict({**cart, "order_id": "o-1"})
        checkout = await _call("checkouts.create_checkout")(client=client, body=order)
        assert isinstance(checkout, models.CouponCheckoutView)
        paid = await _call("checkouts.commit_checkout")(checkout.id, client=client)
        assert paid.status == "committed"
        again = await _call("coupons.claim_coupon")(offer.id, client=client, body=claim, idempotency_key="claim-1")
        assert again.id == coupon.id, "the same key, the same coupon"


def _call(name: str) -> Any:
    """`_call("coupons.claim_coupon")`: the generated function of that chapter."""
    return importlib.import_module(f"{NAME}.api.{name}").asyncio
