# MUTANT 4.3 method.py — labels are padded with the pad token, so padding is learned | caught by: test_a_batch_pads_ids_mask_and_labels_each_in_its_own_way | visible: fails
def build_trainer(model, tokenizer, train_dataset, training_args):
    from transformers import DataCollatorForSeq2Seq

    collator = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=tokenizer.pad_token_id)
    return Trainer(
        model=model,
        args=training_args,
        train_dataset=train_dataset,
        data_collator=collator,
        processing_class=tokenizer,
    )
