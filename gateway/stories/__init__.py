"""Stories: people's ways through the product, played over HTTP and checked step by step."""
