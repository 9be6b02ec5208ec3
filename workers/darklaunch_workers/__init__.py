"""Workers: replay captured requests on the shadow."""
