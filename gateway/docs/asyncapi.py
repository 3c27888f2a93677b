"""The events that webhooks tell, as AsyncAPI 3: https://www.asyncapi.com/docs/reference/specification/v3.0.0. Pure."""

from typing import Any

from gateway.docs.events import webhooks

_CHANNEL = "webhooks"


def asyncapi() -> dict[str, Any]:
    """One channel, a partner's URL, on which the suite sends; a message for each public event. Schemas as in OpenAPI."""
    hooks, schemas = webhooks()
    messages = {}
    for name, hook in hooks.items():
        content = hook["post"]["requestBody"]["content"]["application/json"]
        messages[name] = {
            "name": name,
            "summary": hook["post"]["description"],
            "contentType": "application/json",
            "headers": {
                "type": "object",
                "required": [one["name"] for one in hook["post"]["parameters"]],
                "properties": {
                    one["name"]: {**one["schema"], "description": one["description"]}
                    for one in hook["post"]["parameters"]
                },
            },
            "payload": content["schema"],
            "examples": [{"name": "example", "payload": content["example"]}],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Quanyu 全域",
            "version": "1",
            "description": "What the suite tells by webhook. What a receiver does: `/docs/guides/webhooks`.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            _CHANNEL: {
                # It has no address: that is the partner's to choose.
                "description": "The URL of a webhook endpoint: `POST /v1/webhook-endpoints` registers it.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "tell": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "summary": "Delivered at least once, in any order",
                "security": [{"$ref": "#/components/securitySchemes/signature"}],
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
            }
        },
        "components": {
            "messages": messages,
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "signature": {
                    "type": "httpApiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "HMAC-SHA256 of id, timestamp and body: Standard Webhooks 1.0.0",
                }
            },
        },
    }
