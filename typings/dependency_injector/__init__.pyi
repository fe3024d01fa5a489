# Sharper than the stubs that dependency-injector ships: a container has the providers that it declares and no others, and
# a marker has the type of what it stands for. Complete for what this project uses; pyright does not merge stubs.

__version__: str
