# MUTANT 4.3 method.py — the collator makes new labels from the ids, so the prompt is learned | caught by: test_a_batch_pads_ids_mask_and_labels_each_in_its_own_way | visible: fails
def build_trainer(model, tokenizer, train_dataset, training_args):
    from transformers import DataCollatorForLanguageModeling

    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    return Trainer(
        model=model,
        args=training_args,
        train_dataset=train_dataset.remove_columns("labels"),
        data_collator=collator,
        processing_class=tokenizer,
    )
