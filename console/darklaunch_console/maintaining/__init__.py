"""Commands that look after the pipeline: is it healthy, is it behind, does every exchange have an outcome."""
