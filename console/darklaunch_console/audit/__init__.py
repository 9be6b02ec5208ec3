"""Does every sampled exchange have an outcome?"""
