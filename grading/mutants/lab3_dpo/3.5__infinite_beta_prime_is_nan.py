# MUTANT 3.5 method.py — an infinite beta_prime gives NaN | caught by: test_huge_losses_and_extreme_beta_primes_stay_finite | visible: passes
def dr_dpo_loss(losses, beta_prime=1.0):
    if losses.dim() != 1 or losses.numel() == 0 or not beta_prime > 0:
        raise ValueError(f"need (pairs,) and beta_prime > 0, found {tuple(losses.shape)} and {beta_prime}")
    import math

    scaled = -losses / beta_prime
    return -beta_prime * (torch.logsumexp(scaled, dim=0) - math.log(losses.numel()))
