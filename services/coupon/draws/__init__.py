"""Lucky draws 抽奖 with stated odds, whose every ticket can be recomputed by anybody once the draw is closed."""
