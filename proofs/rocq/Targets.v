(* Several targets: sums over vectors, pooled errors, constants of a target, two-stage aggregation. *)
From Coq Require Import Reals Lra Lia.
From GAR Require Import Sums Formulas Aggregation Batch.
Open Scope R_scope.

Section Targets.
Variables N T : nat.
Variable w : nat -> R.
Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W N w.
Hypothesis targets_nonempty : (0 < T)%nat.
Let TR : 0 < INR T. Proof. apply lt_0_INR; auto. Qed.
Variables f y : nat -> nat -> R.   (* target, then sample *)
Let d (k i : nat) := f k i - y k i.
Definition over_targets (a : nat -> R) := bsum T a / INR T.

Lemma pairs_of_targets (g : nat -> nat -> nat -> R) :
  pairs N w (fun i j => bsum T (fun k => g k i j)) = bsum T (fun k => pairs N w (g k)).
Proof. unfold pairs.
  rewrite (bsum_ext N _ (fun i => bsum T (fun k => bsum N (fun j => w i * w j * g k i j)))).
  - apply bsum_swap.
  - intros i _. rewrite <- bsum_swap. apply bsum_ext; intros j _. rewrite <- bsum_scal. auto. Qed.

Theorem differences_of_vectors (conventional : nat -> nat -> R) s :
  pairs N w (fun i j => / 2 * bsum T (fun k => ((f k i - f k j) - (y k i - y k j)) ^ 2) / INR T) / W N w ^ 2
  = over_targets (fun k => error_variance (code_moments N w (f k) (y k) (conventional k) s)).
Proof. unfold over_targets.
  rewrite (bsum_ext T _ (fun k => / W N w ^ 2 *
    pairs N w (fun i j => / 2 * ((f k i - f k j) - (y k i - y k j)) ^ 2))).
  2:{ intros k _. rewrite code_theorem_1 by auto. field. lra. }
  rewrite bsum_scal, <- pairs_of_targets.
  rewrite (pairs_ext N w _ (fun i j => / INR T * bsum T (fun k =>
     / 2 * ((f k i - f k j) - (y k i - y k j)) ^ 2))).
  - rewrite pairs_scal. field. lra.
  - intros i j _ _. rewrite bsum_scal. field. lra. Qed.

(* The variance of all errors is that within the targets and that of their means. *)
Theorem pooled_errors :
  let grand := over_targets (fun k => mean N w (d k)) in
  over_targets (fun k => mean N w (fun i => (d k i - grand) ^ 2))
  = over_targets (fun k => var N w (d k))
    + over_targets (fun k => (mean N w (d k) - grand) ^ 2).
Proof. intros grand. unfold over_targets.
  replace (bsum T (fun k => mean N w (fun i => (d k i - grand) ^ 2)))
    with (bsum T (fun k => var N w (d k) + (mean N w (d k) - grand) ^ 2)).
  - rewrite bsum_plus. field. lra.
  - apply bsum_ext. intros k _. set (mk := mean N w (d k)).
    unfold var. rewrite cov_sums by auto. fold mk.
    rewrite (mean_ext N w (fun i => (d k i - grand) ^ 2)
      (fun i => d k i * d k i + ((-2 * grand) * d k i + grand ^ 2))) by (intros; ring).
    rewrite !(mean_plus N w), (mean_scal N w), (mean_const N w) by auto. fold mk. ring. Qed.

Theorem constants_cost_nothing (b : nat -> R) :
  over_targets (fun k => var N w (fun i => d k i + b k)) = over_targets (fun k => var N w (d k)).
Proof. unfold over_targets. f_equal. apply bsum_ext. intros k _. unfold var.
  rewrite cov_shift_l, cov_sym, cov_shift_l by auto. reflexivity. Qed.
End Targets.

Theorem two_stage_aggregation M T a s s' (l : nat -> nat -> R) : (0 < M)%nat -> (0 < T)%nat -> 0 < a ->
  kl_dro (fun k => kl_dro (l k) a s (Aggregation.mean M)) a s' (Aggregation.mean T)
  = a * ln (Aggregation.mean T (fun k => Aggregation.mean M (fun i => exp (l k i / a)))).
Proof. intros HM HT Ha.
  assert (MR : 0 < INR M) by (apply lt_0_INR; auto). assert (RT : 0 < INR T) by (apply lt_0_INR; auto).
  assert (P : forall k, 0 < Aggregation.mean M (fun i => exp (l k i / a))).
  { intros. apply Rdiv_lt_0_compat; auto. apply bsum_pos; auto. intros; apply exp_pos. }
  assert (In : forall k, kl_dro (l k) a s (Aggregation.mean M)
    = a * ln (Aggregation.mean M (fun i => exp (l k i / a)))).
  { intros k. rewrite code_powers by auto. unfold power, Aggregation.mean.
    rewrite (bsum_ext M _ (fun i => exp (- s / a) * exp (l k i / a))).
    - rewrite bsum_scal. pose proof (P k) as Pk. unfold Aggregation.mean in Pk.
      replace (exp (- s / a) * bsum M (fun i => exp (l k i / a)) / INR M)
        with (exp (- s / a) * (bsum M (fun i => exp (l k i / a)) / INR M)) by (field; lra).
      rewrite ln_mult, ln_exp by (auto; apply exp_pos). field. lra.
    - intros i _. rewrite <- exp_plus. f_equal. field. lra. }
  assert (Pos : 0 < Aggregation.mean T (fun k => Aggregation.mean M (fun i => exp (l k i / a)))).
  { apply Rdiv_lt_0_compat; auto. apply bsum_pos; auto. }
  rewrite code_powers by auto. unfold power.
  replace (Aggregation.mean T (fun i => exp ((kl_dro (l i) a s (Aggregation.mean M) - s') / a)))
    with (exp (- s' / a) * Aggregation.mean T (fun k => Aggregation.mean M (fun i => exp (l k i / a)))).
  - rewrite ln_mult, ln_exp by (auto; apply exp_pos). field. lra.
  - unfold Aggregation.mean at 1 3. unfold Rdiv at 2. rewrite <- Rmult_assoc. unfold Rdiv at 3. f_equal.
    rewrite <- bsum_scal. apply bsum_ext. intros k _. rewrite In.
    rewrite <- (exp_ln (Aggregation.mean M (fun i => exp (l k i / a)))) at 1 by auto.
    rewrite <- exp_plus. f_equal. field. lra. Qed.
