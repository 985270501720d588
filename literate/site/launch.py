"""The buttons that open a chapter elsewhere, once there is a repository to launch from."""


def drop_launch_buttons(app, config):
    """Without a repository there is nothing to launch, and the theme stops at the attempt."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options.pop("launch_buttons", None)


def setup(app):
    app.connect("config-inited", drop_launch_buttons)
    return {"parallel_read_safe": True}
