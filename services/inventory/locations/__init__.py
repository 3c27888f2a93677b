"""Where stock can be: warehouses 仓, stores 店, suppliers 供应商, places owned by a marketplace 平台仓."""
