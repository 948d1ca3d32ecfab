# MUTANT 4.3 method.py — the default collator can't pad labels | caught by: test_a_batch_pads_ids_mask_and_labels_each_in_its_own_way | visible: fails
def build_trainer(model, tokenizer, train_dataset, training_args):
    return Trainer(
        model=model, args=training_args, train_dataset=train_dataset, processing_class=tokenizer
    )
