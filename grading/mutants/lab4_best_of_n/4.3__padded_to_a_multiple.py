# MUTANT 4.3 method.py — rows are padded to a multiple of 8 instead of the longest of the batch | caught by: test_a_batch_pads_ids_mask_and_labels_each_in_its_own_way | visible: fails
def build_trainer(model, tokenizer, train_dataset, training_args):
    from transformers import DataCollatorForSeq2Seq

    collator = DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8)
    return Trainer(
        model=model,
        args=training_args,
        train_dataset=train_dataset,
        data_collator=collator,
        processing_class=tokenizer,
    )
