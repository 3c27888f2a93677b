"""The bus of the production arrangement, on RabbitMQ. What it declares is drawn in `shared/messaging/topology.py`.

`connection.py` and `line.py` alone know aio_pika; `publisher.py` sends with confirms, `consumer.py` hands over and acknowledges,
`bus.py` is the port's adapter made of them.
"""

from shared.messaging.rabbit.bus import RabbitBus

__all__ = ["RabbitBus"]
