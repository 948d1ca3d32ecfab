# MUTANT 4.3 method.py — checkpoints are saved without their tokenizer | caught by: test_the_trainer_takes_the_arguments_and_holds_the_tokenizer | visible: passes
def build_trainer(model, tokenizer, train_dataset, training_args):
    from transformers import DataCollatorForSeq2Seq

    return Trainer(
        model=model,
        args=training_args,
        train_dataset=train_dataset,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
