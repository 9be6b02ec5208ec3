"""The dashboard: pages that show launches in a browser, and the JSON that they rest on.

`application` serves `pages`; each page reads a value from Postgres and shows it with a template of the same name.
What the pages say in sentences is written in `reports`, so that they say what the commands say.
"""
