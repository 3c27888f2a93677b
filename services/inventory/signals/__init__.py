"""What the world is told of a SKU over all places that sell: low 低库存, sold out 售罄, back in stock 到货."""
