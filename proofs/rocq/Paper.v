(* The paper's statements as it writes them, for batches without weights, and the gradient of the
   aggregated loss. *)
From Coq Require Import Reals Lra Lia FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From GAR Require Import Sums Formulas Aggregation Batch Gradient.
Open Scope R_scope.

Section Plain.
Variable N : nat.
Hypothesis batch_nonempty : (0 < N)%nat.
Let NR : 0 < INR N. Proof. apply lt_0_INR; auto. Qed.
Definition average (a : nat -> R) := bsum N a / INR N.
Definition all_pairs (g : nat -> nat -> R) := bsum N (fun i => bsum N (fun j => g i j)).
Definition covariance a b := average (fun i => (a i - average a) * (b i - average b)).
Definition variance a := covariance a a.
Definition correlation f y := covariance f y / (sqrt (variance f) * sqrt (variance y)).
Definition norm a := sqrt (all_pairs (fun i j => (a i - a j) ^ 2)).
Let ones (_ : nat) := 1.

Let W_is : W N ones = INR N.
Proof. unfold W, ones. rewrite bsum_const. ring. Qed.
Let W_pos : 0 < W N ones. Proof. rewrite W_is; auto. Qed.
Let ones_nonneg : forall i, (i < N)%nat -> 0 <= ones i. Proof. unfold ones; intros; lra. Qed.
Let mean_is : Batch.mean N ones = average.
Proof. apply functional_extensionality. intros a. unfold Batch.mean, S, average. rewrite W_is. f_equal.
  apply bsum_ext. intros; unfold ones; ring. Qed.
Let pairs_is : pairs N ones = all_pairs.
Proof. apply functional_extensionality. intros g. unfold pairs, all_pairs.
  apply bsum_ext; intros; apply bsum_ext; intros; unfold ones; ring. Qed.
Let cov_is : cov N ones = covariance.
Proof. apply functional_extensionality; intros a. apply functional_extensionality; intros b.
  unfold cov, covariance. rewrite mean_is. reflexivity. Qed.
Let var_is : var N ones = variance.
Proof. apply functional_extensionality; intros a. unfold var. rewrite cov_is. reflexivity. Qed.
Let rho_is : rho N ones = correlation.
Proof. apply functional_extensionality; intros a. apply functional_extensionality; intros b.
  unfold rho, correlation. rewrite cov_is, var_is. reflexivity. Qed.
Let norm_is : norm2 N ones = norm.
Proof. apply functional_extensionality; intros a. unfold norm2, norm. rewrite pairs_is. reflexivity. Qed.

Variables f y conventional : nat -> R.
Variable s : Shifts.
Definition batch := moments (decompose f y average s) conventional (INR N) average.
Let batch_is : code_moments N ones f y conventional s = batch.
Proof. unfold code_moments, batch. rewrite mean_is, W_is. reflexivity. Qed.

Theorem paper_theorem_1 :
  all_pairs (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / INR N ^ 2
    = average (fun i => ((f i - average f) - (y i - average y)) ^ 2)
  /\ average (fun i => ((f i - average f) - (y i - average y)) ^ 2) = variance (fun i => f i - y i)
  /\ error_variance batch = variance (fun i => f i - y i).
Proof. destruct (theorem_1 N ones W_pos f y) as [A B].
  pose proof (code_theorem_1 N ones ones_nonneg W_pos f y conventional s) as C.
  rewrite batch_is in C. rewrite pairs_is, W_is in A, C. rewrite var_is in A, B. rewrite mean_is in B.
  repeat split; congruence. Qed.

Theorem paper_theorem_2 : 0 < variance f -> 0 < variance y ->
  / 2 * all_pairs (fun i j => ((f i - f j) / norm f - (y i - y j) / norm y) ^ 2) = 1 - correlation f y
  /\ one_minus_pearson batch = 1 - correlation f y
  /\ 0 <= one_minus_pearson batch <= 2.
Proof. intros Hf Hy. rewrite <- var_is in Hf, Hy.
  destruct (theorem_2 N ones ones_nonneg W_pos f y Hf Hy) as [A B].
  pose proof (code_theorem_2 N ones ones_nonneg W_pos f y conventional s Hf Hy) as C.
  rewrite batch_is in C. rewrite pairs_is, norm_is in A. rewrite rho_is in *.
  rewrite C. auto. Qed.

Theorem paper_theorem_2_ends : 0 < variance f -> 0 < variance y ->
  (one_minus_pearson batch = 0 <-> exists c, 0 < c /\
     forall i j, (i < N)%nat -> (j < N)%nat -> f i - f j = c * (y i - y j))
  /\ (one_minus_pearson batch = 2 <-> exists c, 0 < c /\
     forall i j, (i < N)%nat -> (j < N)%nat -> f i - f j = - c * (y i - y j)).
Proof. intros Hf Hy. rewrite <- var_is in Hf, Hy.
  destruct (theorem_2_ends N ones ones_nonneg W_pos f y Hf Hy) as [A B].
  pose proof (code_theorem_2 N ones ones_nonneg W_pos f y conventional s Hf Hy) as C.
  rewrite batch_is in C. rewrite C, A, B. unfold direction, ones.
  split; split; intros [c [Hc E]]; exists c; split; auto; intros i j Hi Hj.
  - rewrite E by (auto; lra). ring.
  - intros _ _. rewrite E by auto. ring.
  - rewrite E by (auto; lra). ring.
  - intros _ _. rewrite E by auto. ring. Qed.

Theorem paper_theorem_3 : 0 < variance y ->
  let Q c := all_pairs (fun i j => / 2 * ((f i - f j) - c * (y i - y j)) ^ 2) / INR N ^ 2 in
  let best := covariance f y / variance y in
  (forall c, Q best <= Q c) /\ (forall c, Q c = Q best -> c = best)
  /\ (0 < variance f -> Q best = variance f * (1 - correlation f y ^ 2))
  /\ (forall c, scaled_difference batch c = Q c) /\ Moments_scale batch = best.
Proof. intros Hy Q best. rewrite <- var_is in Hy.
  destruct (theorem_3 N ones W_pos f y Hy) as (_ & A & B & C).
  assert (QE : forall c, Batch.Q N ones f y c = Q c).
  { intros c. unfold Batch.Q, Q. rewrite pairs_is, W_is. reflexivity. }
  pose proof (fun c => code_theorem_3 N ones ones_nonneg W_pos f y conventional s c) as D.
  rewrite batch_is in D.
  assert (BE : cov N ones f y / var N ones y = best) by (rewrite cov_is, var_is; reflexivity).
  rewrite BE in *. rewrite rho_is, var_is in C. repeat split.
  - intros c. rewrite <- !QE. apply A.
  - intros c E. apply B. rewrite !QE. exact E.
  - intros Hf. rewrite <- QE. auto.
  - intros c. rewrite <- QE. apply D.
  - destruct (D 0) as [_ E]. rewrite E by auto. reflexivity. Qed.
End Plain.

(* The loss itself: kl_dro of the logarithms of the three sub-losses, along f + u h. *)
Section Loss.
Variable N : nat.
Variable w : nat -> R.
Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W N w.
Variables f y h : nat -> R.
Variable s : Shifts.
Variables alpha shift : R.
Variable phi : R -> nat -> R.
Variable slopes : nat -> R.
Hypothesis phi_derivative :
  is_derive (fun u => Batch.mean N w (phi u)) 0 (Batch.mean N w (fun i => slopes i * h i)).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis var_f_pos : 0 < var N w f.
Hypothesis var_y_pos : 0 < var N w y.
Definition at_ (u : R) := code_moments N w (fun i => f i + u * h i) y (phi u) s.
Definition part (m : Moments) (k : nat) :=
  let '(a, b, c) := code_sub_losses m in match k with O => a | 1%nat => b | _ => c end.
Let m := code_moments N w f y (phi 0) s.
Hypothesis losses_pos : forall k, (k < 3)%nat -> 0 < part m k.
Let p k := kl_dro_tilt (fun k => ln (part m k)) alpha shift (Aggregation.mean 3) k / 3.

Lemma at_0 k : part (at_ 0) k = part m k.
Proof. unfold at_, m. replace (fun i => f i + 0 * h i) with f; auto.
  apply functional_extensionality. intros; ring. Qed.

Theorem gar_gradient :
  is_derive (fun u => kl_dro (fun k => ln (part (at_ u) k)) alpha shift (Aggregation.mean 3)) 0
    (applied N w f y h s m
      (code_sub_losses_gradient m (p 0%nat / part m 0%nat, p 1%nat / part m 1%nat, p 2%nat / part m 2%nat))
      slopes).
Proof.
  pose proof (conventional_derivative N w weights_nonneg weight_pos f y h s phi slopes phi_derivative) as D0.
  pose proof (error_variance_derivative N w weights_nonneg weight_pos f y h s phi slopes) as D1.
  pose proof (one_minus_pearson_derivative N w weights_nonneg weight_pos f y h s phi slopes
    var_f_pos var_y_pos) as D2.
  set (e0 := Batch.mean N w (fun i => slopes i * h i)) in *.
  set (e1 := applied N w f y h s _ _ _) in D1. set (e2 := applied N w f y h s _ _ _) in D2.
  set (dl k := match k with O => e0 / part m 0%nat | 1%nat => e1 / part m 1%nat | _ => e2 / part m 2%nat end).
  assert (LN : forall (g : R -> R) e, is_derive g 0 e -> 0 < g 0 ->
    is_derive (fun u => ln (g u)) 0 (e / g 0)).
  { intros g e D P. auto_derive. split; [exists e; auto | auto].
    replace (Derive (fun x => g x) 0) with e by (symmetry; apply is_derive_unique; exact D).
    field. lra. }
  assert (DL : forall k, (k < 3)%nat -> is_derive (fun u => ln (part (at_ u) k)) 0 (dl k)).
  { intros k Hk. pose proof (losses_pos k Hk) as P. rewrite <- at_0 in P.
    unfold dl. destruct k as [|[|[|k]]]; [| | |lia]; rewrite <- at_0; apply LN; auto;
      unfold part, code_sub_losses, sub_losses, at_; assumption. }
  pose proof (code_gradient 3 alpha shift (fun k u => ln (part (at_ u) k)) dl ltac:(lia) alpha_pos DL) as G.
  match goal with |- is_derive _ _ ?g => match type of G with is_derive _ _ ?g' => replace g with g' end end.
  exact G.
  assert (E : (fun k => ln (part (at_ 0) k)) = (fun k => ln (part m k))).
  { apply functional_extensionality. intros k. rewrite at_0. reflexivity. }
  cbv beta. rewrite E.
  pose proof (losses_pos 0%nat ltac:(lia)). pose proof (losses_pos 1%nat ltac:(lia)).
  pose proof (losses_pos 2%nat ltac:(lia)).
  unfold Aggregation.mean at 1. unfold p. simpl bsum. unfold dl, e0, e1, e2. unfold m.
  rewrite !(applied_is N w weights_nonneg weight_pos f y h s phi). fold m.
  unfold code_sub_losses_gradient, sub_losses_gradient. cbv zeta.
  cbn [Gradient_conventional Gradient_residual Gradient_label error_variance_gradient].
  replace (Gradient_conventional (one_minus_pearson_gradient m)) with 0 by reflexivity.
  replace (INR 3) with 3 by (simpl; ring). field. repeat split; lra. Qed.
End Loss.
