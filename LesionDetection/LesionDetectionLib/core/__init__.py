"""Values and contracts that everything else shares. Standard library, numpy and safetensors only."""
