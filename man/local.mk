dist_man_MANS = man/locust.1
