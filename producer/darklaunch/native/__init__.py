"""The hook in frameworks that bring a server of their own: aiohttp.web, Sanic and Tornado. Imports none of them."""
