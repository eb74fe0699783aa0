"""Pictures in the output of a notebook's cell."""


def show_png(png: bytes, width: int, height: int) -> None:
    """Show a picture of `width` × `height` CSS pixels; its PNG may have more pixels than that."""
    from IPython.display import display

    # The text is shown where pictures are not, and is what nbval compares. With "metadata" the
    # browser shows the picture of twice as many pixels at its normal size.
    display(
        {"image/png": png, "text/plain": f"<picture, {width} × {height}>"},
        raw=True,
        metadata={"image/png": {"width": width, "height": height}},
    )
