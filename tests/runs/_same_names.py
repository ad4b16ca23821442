"""The other file of shape_duplicate.py."""

import shape_duplicate
from traced import RUN

from locust import LoadTestShape, User, constant, task

if RUN == "imported":
    Someone = shape_duplicate.Someone
elif RUN == "users":

    class Someone(User):
        wait_time = constant(100)

        @task
        def other(self):
            """Nothing."""


class Another(shape_duplicate.Someone):
    pass


if RUN == "shapes":

    class Shape(LoadTestShape):
        def tick(self):
            return None
