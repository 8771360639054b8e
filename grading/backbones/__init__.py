"""AlexNet and its competitors, and the VGG16 encoder, at full and mini size; where their weights come from."""
