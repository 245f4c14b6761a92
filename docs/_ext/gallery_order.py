"""The order of the gallery: the articles, as they were read; then what people ask for, by name."""

ARTICLES = ("eigenvalues", "eigh_layer", "determinant", "expm", "symbolic")


class ArticlesFirst:
    """The key by which scripts are sorted."""

    def __init__(self, folder: str) -> None:
        pass

    def __call__(self, file: str) -> tuple[int, str]:
        """Where a script comes."""
        name = file.removeprefix("plot_").removesuffix(".py")
        return ARTICLES.index(name) if name in ARTICLES else len(ARTICLES), name
