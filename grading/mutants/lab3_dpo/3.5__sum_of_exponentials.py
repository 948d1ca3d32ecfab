# MUTANT 3.5 method.py — a sum of the exponentials, not their mean | caught by: test_it_is_minus_the_log_of_the_mean_exponential | visible: fails
def dr_dpo_loss(losses, beta_prime=1.0):
    if losses.dim() != 1 or losses.numel() == 0 or not beta_prime > 0:
        raise ValueError(f"need (pairs,) and beta_prime > 0, found {tuple(losses.shape)} and {beta_prime}")
    import math

    if math.isinf(beta_prime):
        return losses.mean()
    scaled = -losses / beta_prime
    return -beta_prime * (torch.logsumexp(scaled, dim=0))
