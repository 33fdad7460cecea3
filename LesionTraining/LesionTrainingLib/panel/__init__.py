"""What needs Qt: the panel of the module Lesion Training."""
