"""Options of the file's own: on the command line, in the environment, in the parsed options."""

# run defaults: -u 1
# run given: -u 1 --my-text x --my-number 5 --my-flag --my-list a b --my-choice two --my-secret s
# run positional: -u 1 --my-number 7 Someone
# run bad_number: -u 1 --my-number many
# run bad_choice: -u 1 --my-choice four
# run unknown: -u 1 --my-nubmer 5
# run help: --help

from traced import quit_when, trace

from locust import User, constant, events, task
from locust.argument_parser import LocustArgumentParser

quit_when(lambda runner: runner.state == "running")


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    trace("run", isinstance(parser, LocustArgumentParser), type(parser).__name__)
    action = parser.add_argument("--my-text", type=str, env_var="MY_TEXT", default="", help="A text")
    trace("run", action.include_in_web_ui, action.is_secret, action.is_required, action.is_multiple)
    parser.add_argument("--my-number", type=int, default=3, include_in_web_ui=False)
    parser.add_argument("--my-flag", action="store_true")
    parser.add_argument("--my-list", nargs="*", default=["nothing"])
    parser.add_argument("--my-choice", choices=["one", "two", "three"], default="one", is_multiple=True)
    parser.add_argument("--my-secret", is_secret=True, is_required=True)
    group = parser.add_argument_group("mine", "a group")
    group.add_argument("--my-grouped", env_var="MY_GROUPED")
    trace("run", sorted(d for d in parser.args_included_in_web_ui if d.startswith("my")))
    trace("run", sorted(parser.secret_args_included_in_web_ui), sorted(parser.required_args_included_in_web_ui))
    trace("run", sorted(parser.multiple_args_included_in_web_ui))


class Someone(User):
    wait_time = constant(100)

    @task
    def work(self):
        """Nothing."""


@events.init.add_listener
def on_init(environment, **kwargs):
    options = vars(environment.parsed_options)
    trace("run", sorted((k, v) for k, v in options.items() if k.startswith("my")))
    trace("run", options["user_classes"], options["num_users"], options["locustfile"])
