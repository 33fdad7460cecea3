"""What needs Qt: the panel of the module Lesion Detection, and parts that both panels share."""
