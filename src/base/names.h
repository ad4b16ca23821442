/*
 * Strings that the C code hands to Python again and again (attribute names,
 * keywords), interned once.
 *
 * names.on_start is the Python string "on_start". Add a word to NAMES to have
 * one more; keep the list sorted.
 */
#ifndef LOCUST_BASE_NAMES_H
#define LOCUST_BASE_NAMES_H

#include <Python.h>

#define NAMES(X) \
    X(DELETE) \
    X(GET) \
    X(HEAD) \
    X(OPTIONS) \
    X(PATCH) \
    X(POST) \
    X(PUT) \
    X(__dict__) \
    X(__init__) \
    X(__name__) \
    X(__self__) \
    X(_cp_last_run) \
    X(_cp_last_wait_time) \
    X(_filter_tasks_by_tags) \
    X(_index_within_host) \
    X(_on_spawning_complete) \
    X(_on_user_error) \
    X(_run) \
    X(_sleep) \
    X(_state) \
    X(_taskset_instance) \
    X(add_listener) \
    X(allow_redirects) \
    X(append) \
    X(appendleft) \
    X(auth) \
    X(catch_exceptions) \
    X(catch_response) \
    X(cert) \
    X(choice) \
    X(cleanup) \
    X(clear_all) \
    X(client) \
    X(context) \
    X(cookies) \
    X(count) \
    X(current) \
    X(cpu_warning) \
    X(data) \
    X(discard) \
    X(dispatcher_class) \
    X(environment) \
    X(error) \
    X(errors) \
    X(events) \
    X(exception) \
    X(execute_next_task) \
    X(execute_task) \
    X(files) \
    X(fire) \
    X(fixed_count) \
    X(functions) \
    X(get_next_task) \
    X(headers) \
    X(headless) \
    X(hooks) \
    X(host) \
    X(id) \
    X(items) \
    X(json) \
    X(killone) \
    X(locust_tag_set) \
    X(locust_task_weight) \
    X(log) \
    X(log_error) \
    X(log_request) \
    X(max_wait) \
    X(method) \
    X(min_wait) \
    X(monitor_cpu_and_memory) \
    X(name) \
    X(new_dispatch) \
    X(nodes) \
    X(on_start) \
    X(on_stop) \
    X(params) \
    X(parsed_options) \
    X(popleft) \
    X(proxies) \
    X(quit) \
    X(randint) \
    X(random) \
    X(rawlink) \
    X(ready) \
    X(redirect_response_codes) \
    X(replace) \
    X(request) \
    X(request_type) \
    X(reschedule) \
    X(reset_all) \
    X(reset_stats) \
    X(reset_time) \
    X(response) \
    X(response_length) \
    X(response_time) \
    X(reverse) \
    X(run) \
    X(running) \
    X(schedule_task) \
    X(send) \
    X(shape_class) \
    X(shape_worker) \
    X(spawn) \
    X(spawn_users) \
    X(spawning) \
    X(spawning_complete) \
    X(start) \
    X(start_time) \
    X(stats) \
    X(stop) \
    X(stop_timeout) \
    X(stop_users) \
    X(stopped) \
    X(stopping) \
    X(stream) \
    X(task) \
    X(task_set) \
    X(tasks) \
    X(tb) \
    X(test_start) \
    X(test_stop) \
    X(test_stopping) \
    X(tick) \
    X(timeout) \
    X(timings) \
    X(transitions) \
    X(update_state) \
    X(url) \
    X(usage_monitor) \
    X(user) \
    X(user_classes) \
    X(user_classes_by_name) \
    X(user_classes_count) \
    X(user_count) \
    X(user_error) \
    X(user_instance) \
    X(valid_response_codes) \
    X(verify) \
    X(wait) \
    X(wait_function) \
    X(wait_time) \
    X(waiting) \
    X(weight)

struct names {
#define X(word) PyObject *word;
    NAMES(X)
#undef X
    PyObject *empty;            /* "" */
};

extern struct names names;

/* Interns them all. Returns 0, or -1 with an exception set. */
int names_init(void);

#endif
