(* The closed-form gradient: derivatives along any direction h of the predictions, f + t h at 0. *)
From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From GAR Require Import Sums Formulas Batch.
Open Scope R_scope.

(* Nothing is rounded here: what a reader with rounding may resolve to 0 stays as it is. *)
Definition code_sub_losses (m : Moments) := sub_losses m m.
Definition code_sub_losses_gradient (m : Moments) := sub_losses_gradient m m.

Section Gradient.
Variable N : nat.
Variable w : nat -> R.
Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W N w.
Local Notation mean := (mean N w).
Local Notation cov := (cov N w).
Local Notation var := (var N w).
Variables f y h : nat -> R.
Variable s : Shifts.
Let d i := f i - y i.
Let moved u i := f i + u * h i.

(* The coefficients g, applied to the direction. *)
Definition applied (m : Moments) (g : Gradient) (slopes : nat -> R) :=
  let '(residual, label) := residual_and_label f y s (relative m s) in
  mean (fun i => sample_gradient g (slopes i) (residual i) (label i) * h i).

Lemma cov_moved u a : cov (moved u) a = cov f a + u * cov h a.
Proof. unfold moved. rewrite cov_plus_l, cov_scal_l by auto. ring. Qed.
Lemma var_sum a b u : var (fun i => a i + u * b i) = var a + 2 * u * cov a b + u ^ 2 * var b.
Proof. unfold Batch.var. rewrite cov_plus_l, cov_scal_l by auto.
  rewrite (cov_sym N w a (fun i => a i + u * b i)), (cov_sym N w b (fun i => a i + u * b i)).
  rewrite !cov_plus_l, !cov_scal_l by auto. rewrite (cov_sym N w b a). ring. Qed.
Lemma var_moved u : var (moved u) = var f + 2 * u * cov f h + u ^ 2 * var h.
Proof. apply var_sum. Qed.

Section Moments.
Variable phi : R -> nat -> R.   (* the conventional loss of each sample, along the path *)
Variable slopes : nat -> R.     (* its derivative in the error of the sample *)
Let m := code_moments N w f y (phi 0) s.
Let along u := code_moments N w (moved u) y (phi u) s.

Lemma mean_product a b : mean (fun i => (a i - mean a) * b i) = cov a b.
Proof. rewrite cov_sums by auto.
  rewrite (mean_ext N w _ (fun i => a i * b i - mean a * b i)) by (intros; ring).
  rewrite mean_minus, mean_scal by auto. ring. Qed.

Lemma scaled_cov a : Moments_scale m * cov y a = (1 + Moments_slope m) * cov y a.
Proof. destruct (scale_is N w weights_nonneg weight_pos f y (phi 0) s) as [P _]. fold m in P.
  destruct (var_ge0 N w weights_nonneg weight_pos y) as [V|V].
  - destruct (P V) as [-> _]. reflexivity.
  - rewrite (cov_sym N w y a), no_cov by auto. ring. Qed.

Lemma applied_is g slopes' : applied m g slopes' =
  Gradient_conventional g * mean (fun i => slopes' i * h i)
  + Gradient_residual g * (cov f h - Moments_scale m * cov y h)
  + Gradient_label g * cov y h.
Proof. unfold applied.
  pose proof (part_of_whole N w weights_nonneg weight_pos f y (phi 0) s) as E. cbv zeta in E. fold m in E.
  destruct (residual_and_label f y s (relative m s)) as [r label].
  destruct (parts_are N w weight_pos f y UNSHIFTED) as (_ & _ & _ & _ & _ & _ & P).
  rewrite (mean_where_weight N w weights_nonneg _ (fun i => Gradient_conventional g * (slopes' i * h i)
    + (Gradient_residual g * ((f i - mean f) * h i)
    + (Gradient_label g - Gradient_residual g * Moments_scale m) * ((y i - mean y) * h i)))).
  - rewrite !mean_plus, !mean_scal, !mean_product by auto. ring.
  - intros i Hi Wi. unfold sample_gradient. destruct (E i) as [-> ->], (P i) as [-> ->].
    edestruct (any_share N w weights_nonneg weight_pos f y) as [-> <-]; auto.
    destruct (moments_are N w weights_nonneg weight_pos f y (phi 0) s) as (_ & _ & _ & _ & _ & _ & _ & K & _).
    fold m in K. rewrite <- K. ring. Qed.

Theorem error_variance_derivative :
  is_derive (fun u => error_variance (along u)) 0 (applied m (error_variance_gradient m) slopes).
Proof. rewrite applied_is. unfold error_variance_gradient. cbn [Gradient_conventional Gradient_residual Gradient_label].
  apply (is_derive_ext (fun u => var d + 2 * u * cov d h + u ^ 2 * var h)).
  - intros u. unfold along. rewrite code_theorem_1 by auto.
    destruct (theorem_1 N w weight_pos (moved u) y) as [-> _].
    rewrite <- var_sum. unfold Batch.var. apply cov_ext; intros; unfold moved, d; simpl; ring.
  - replace (cov d h) with (cov f h - cov y h).
    2:{ unfold d. rewrite (cov_ext N w (fun i => f i - y i) (fun i => f i + (-1) * y i) h h) by (intros; ring).
        rewrite cov_plus_l, cov_scal_l by auto. ring. }
    pose proof (scaled_cov h). auto_derive; auto. lra. Qed.

Theorem one_minus_pearson_derivative : 0 < var f -> 0 < var y ->
  is_derive (fun u => one_minus_pearson (along u)) 0
    (applied m (one_minus_pearson_gradient m) slopes).
Proof. intros Hf Hy. rewrite applied_is.
  pose proof (scaled_covariance_is N w weights_nonneg weight_pos f y (phi 0) s) as K.
  fold m in K.
  pose proof (prediction_variance_is N w weights_nonneg weight_pos f y (phi 0) s) as P. fold m in P.
  destruct (moments_are N w weights_nonneg weight_pos f y (phi 0) s) as (_ & _ & _ & V & _). fold m in V.
  unfold one_minus_pearson_gradient. cbv zeta. cbn [Gradient_conventional Gradient_residual Gradient_label]. rewrite P, V.
  pose proof (sqrt_lt_R0 _ Hf) as Sf. pose proof (sqrt_lt_R0 _ Hy) as Sy.
  assert (Pfy : 0 < sqrt (var f) * sqrt (var y)) by (apply Rmult_lt_0_compat; auto).
  rewrite !ratio_div by lra.
  assert (R0 : Moments_var_r m = var f - Moments_scale m ^ 2 * var y).
  { rewrite <- P. unfold prediction_variance, square. rewrite V. ring. }
  rewrite R0. rewrite (cov_sym N w y h).
  set (b := Moments_scale m) in *.
  set (q := fun u => var f + 2 * u * cov f h + u ^ 2 * var h).
  apply (is_derive_ext_loc (fun u => 1 - (cov f y + u * cov h y) / (sqrt (q u) * sqrt (var y)))).
  - assert (C : continuous q 0).
    { apply (ex_derive_continuous q 0). unfold q. auto_derive. auto. }
    assert (Q0 : 0 < q 0) by (unfold q; lra).
    assert (L : locally 0 (fun u : R => 0 < q u)) by exact (C (fun v => 0 < v) (open_gt 0 (q 0) Q0)).
    apply filter_imp with (2 := L).
    intros u Hu. unfold along. rewrite code_theorem_2; auto.
    + unfold rho. rewrite cov_moved, var_moved. reflexivity.
    + rewrite var_moved. exact Hu.
  - unfold q. auto_derive.
    + replace (var f + 2 * 0 * cov f h + 0 * (0 * 1) * var h) with (var f) by ring.
      repeat split; lra.
    + replace (var f + 2 * 0 * cov f h + 0 * (0 * 1) * var h) with (var f) by ring.
      rewrite <- K.
      pose proof (sqrt_sqrt (var f) ltac:(lra)) as Ff. pose proof (sqrt_sqrt (var y) ltac:(lra)) as Fy.
      set (a := sqrt (var f)) in *. set (v := sqrt (var y)) in *.
      rewrite <- Ff, <- Fy. field. lra. Qed.

(* 1 - CCC, for batches that are not one constant; `conventional` multiplies 1 for each sample. *)
Theorem one_minus_concordance_derivative : 0 < concordance_scale m ->
  is_derive (fun u => one_minus_concordance (along u)) 0
    (applied m (one_minus_concordance_gradient m) (fun _ => 1)).
Proof. intros HD. rewrite applied_is. rewrite (mean_ext N w _ h) by (intros; ring).
  set (size u := var f + 2 * u * cov f h + u ^ 2 * var h + var y + (mean f + u * mean h - mean y) ^ 2).
  set (product u := cov f y + u * cov h y).
  assert (SE : forall u, concordance_scale (along u) = size u).
  { intros u. unfold along. rewrite concordance_scale_is by auto. rewrite var_moved.
    unfold moved. rewrite mean_plus, mean_scal by auto. unfold size. ring. }
  assert (M0 : concordance_scale m = size 0).
  { unfold m. rewrite concordance_scale_is by auto. unfold size. ring. }
  rewrite M0 in HD.
  apply (is_derive_ext_loc (fun u => 1 - 2 * product u / size u)).
  - assert (C : continuous size 0).
    { apply (ex_derive_continuous size 0). unfold size. auto_derive. auto. }
    apply filter_imp with (2 := C (fun v => 0 < v) (open_gt 0 (size 0) HD) : locally 0 (fun u => 0 < size u)).
    intros u Hu.
    destruct (concordance_is N w weights_nonneg weight_pos (moved u) y (phi u) s) as (_ & E & _).
    pose proof (concordance_scale_is N w weights_nonneg weight_pos (moved u) y (phi u) s) as K.
    fold (along u) in E, K. rewrite SE in K. rewrite <- K in E. rewrite (E Hu), cov_moved. reflexivity.
  - destruct (concordance_is N w weights_nonneg weight_pos f y (phi 0) s) as (_ & E & _).
    pose proof (concordance_scale_is N w weights_nonneg weight_pos f y (phi 0) s) as K.
    fold m in E, K. rewrite M0 in K. rewrite <- K in E. specialize (E HD).
    destruct (moments_are N w weights_nonneg weight_pos f y (phi 0) s) as (_ & Ed & _ & Ey & _).
    fold m in Ed, Ey. rewrite mean_minus in Ed by auto.
    pose proof (scaled_covariance_is N w weights_nonneg weight_pos f y (phi 0) s) as SC. fold m in SC.
    (* both forms of the coefficient of the labels are the same, whatever their weights *)
    assert (labels : forall e c D, 2 * (e * (Moments_slope m - (1 - c) * Moments_scale m)
        + (1 - e) * (c * Moments_scale m - 1)) / D * cov y h
      = 2 * (c * (Moments_scale m * cov y h) - cov y h) / D).
    { intros e c D. pose proof (scaled_cov h) as SH.
      transitivity (2 * (e * (Moments_slope m * cov y h - (1 - c) * (Moments_scale m * cov y h))
        + (1 - e) * (c * (Moments_scale m * cov y h) - cov y h)) / D); [unfold Rdiv; ring|].
      replace (Moments_slope m * cov y h) with (Moments_scale m * cov y h - cov y h) by lra.
      unfold Rdiv. ring. }
    unfold one_minus_concordance_gradient. cbv zeta. cbn [Gradient_conventional Gradient_residual Gradient_label].
    rewrite E, M0, Ed, Ey, !ratio_div by lra.
    replace (2 * Moments_scale m * var y) with (2 * cov f y) by (rewrite <- SC; ring).
    unfold product, size. auto_derive.
    + fold (size 0). unfold size in HD. lra.
    + unfold size in HD. rewrite (cov_sym N w h y).
      rewrite labels. field. lra. Qed.

Hypothesis phi_derivative :
  is_derive (fun u => mean (phi u)) 0 (mean (fun i => slopes i * h i)).

Theorem conventional_derivative :
  is_derive (fun u => Moments_conventional (along u)) 0 (mean (fun i => slopes i * h i)).
Proof. apply (is_derive_ext (fun u => mean (phi u))); [|exact phi_derivative].
  intros u. unfold along. destruct (moments_are N w weights_nonneg weight_pos (moved u) y (phi u) s)
    as (_ & _ & _ & _ & _ & _ & _ & _ & E). symmetry; exact E. Qed.

(* A weighted sum of the sub-losses; for any differentiable function of them the weights are its
   derivatives (the chain rule). *)
Theorem sub_losses_derivative a b c : 0 < var f -> 0 < var y ->
  is_derive (fun u => let '(x1, x2, x3) := code_sub_losses (along u) in a * x1 + b * x2 + c * x3) 0
    (applied m (code_sub_losses_gradient m (a, b, c)) slopes).
Proof. intros Hf Hy.
  pose proof conventional_derivative as D1. pose proof error_variance_derivative as D2.
  pose proof (one_minus_pearson_derivative Hf Hy) as D3.
  rewrite applied_is in *. simpl in *.
  apply (is_derive_ext (fun u => (a * Moments_conventional (along u) + b * error_variance (along u))
    + c * one_minus_pearson (along u))). { intros; reflexivity. }
  match goal with |- is_derive _ _ ?g => replace g with
   (plus (plus (a * mean (fun i => slopes i * h i)) (b * (0 * mean (fun i => slopes i * h i) +
      2 * (cov f h - Moments_scale m * cov y h) + 2 * Moments_slope m * cov y h)))
    (c * (0 * mean (fun i => slopes i * h i) + Gradient_residual (one_minus_pearson_gradient m) *
      (cov f h - Moments_scale m * cov y h) + Gradient_label (one_minus_pearson_gradient m) * cov y h)))
    by (unfold plus; simpl; ring) end.
  apply (is_derive_plus (fun u => a * Moments_conventional (along u) + b * error_variance (along u))
    (fun u => c * one_minus_pearson (along u))).
  apply (is_derive_plus (fun u => a * Moments_conventional (along u)) (fun u => b * error_variance (along u))).
  apply is_derive_scal; exact D1. apply is_derive_scal; exact D2. apply is_derive_scal; exact D3. Qed.
End Moments.
End Gradient.
